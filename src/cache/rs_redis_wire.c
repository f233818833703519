/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Sockets towards Redis. */
#include "cache/rs_redis_wire.h"
#include "base/rs_clock.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

struct rs_redis_wire_t {
    int fd;
    rs_redis_tls_stream_t *tls; /* NULL: plain */
    apr_pool_t *pool;
};

static apr_status_t failed(rs_redis_call_t *call, apr_status_t status, const char *what)
{
    char reason[120];

    call->trouble =
        apr_psprintf(call->p, "%s: %s", what, apr_strerror(status, reason, sizeof reason));
    return status;
}

static apr_status_t too_late(rs_redis_call_t *call, const char *what)
{
    call->trouble = what;
    return APR_TIMEUP;
}

/* POLLERR and POLLHUP count as ready: the read or write that follows learns the reason. */
static apr_status_t wait_for(int fd, short events, const rs_redis_call_t *call)
{
    struct pollfd poller = { .fd = fd, .events = events };

    for (;;) {
        apr_interval_time_t left = rs_redis_call_left(call);
        int ready;

        if (left <= 0)
            return APR_TIMEUP;
        ready = poll(&poller, 1, (int)((left + 999) / 1000));
        if (ready > 0)
            return APR_SUCCESS;
        if (ready < 0 && errno != EINTR)
            return errno;
    }
}

static apr_status_t wire_close(void *data)
{
    close(((rs_redis_wire_t *)data)->fd);
    return APR_SUCCESS;
}

static apr_status_t connect_result(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

static apr_status_t connect_socket(int fd, const struct sockaddr *address, socklen_t len,
                                   const rs_redis_call_t *call)
{
    apr_status_t status;

    if (connect(fd, address, len) == 0)
        return APR_SUCCESS;
    /* A unix socket whose queue is full says EAGAIN and completes nothing later. */
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    status = wait_for(fd, POLLOUT, call);
    return status == APR_SUCCESS ? connect_result(fd) : status;
}

static apr_status_t open_socket(rs_redis_wire_t **wire, const struct sockaddr *address,
                                socklen_t len, const rs_redis_call_t *call, apr_pool_t *p)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    apr_status_t status;

    if (fd < 0)
        return errno;
    if (address->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    status = connect_socket(fd, address, len, call);
    if (status != APR_SUCCESS) {
        close(fd);
        return status;
    }
    *wire = apr_pcalloc(p, sizeof **wire);
    (*wire)->fd = fd;
    (*wire)->pool = p;
    apr_pool_cleanup_register(p, *wire, wire_close, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

apr_status_t rs_redis_wire_open_unix(rs_redis_wire_t **wire, const char *path,
                                     rs_redis_call_t *call, apr_pool_t *p)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    apr_status_t status;

    if (strlen(path) >= sizeof address.sun_path)
        return failed(call, APR_EINVAL, "the path of the socket is too long");
    apr_cpystrn(address.sun_path, path, sizeof address.sun_path);
    status = open_socket(wire, (struct sockaddr *)&address, sizeof address, call, p);
    if (status == APR_SUCCESS)
        return APR_SUCCESS;
    return status == APR_TIMEUP ? too_late(call, "no connection in time")
                                : failed(call, status, "no connection");
}

/* Each address of a host gets its share of the time, so that a silent first one does not use it up.
 */
static apr_status_t open_any(rs_redis_wire_t **wire, const rs_redis_sockaddrs_t *found,
                             rs_redis_call_t *call, apr_pool_t *p)
{
    apr_time_t deadline = call->deadline;
    apr_status_t status = APR_ENOENT;
    unsigned i;

    for (i = 0; i < found->count; i++) {
        apr_interval_time_t left = deadline - rs_clock();

        call->deadline = rs_clock() + left / (found->count - i);
        status = open_socket(wire, (const struct sockaddr *)&found->addresses[i], found->lens[i],
                             call, p);
        if (status == APR_SUCCESS)
            break;
    }
    call->deadline = deadline;
    return status;
}

apr_status_t rs_redis_wire_open_tcp(rs_redis_wire_t **wire, rs_redis_names_t *names,
                                    const char *host, int port, rs_redis_call_t *call,
                                    apr_pool_t *p)
{
    rs_redis_sockaddrs_t found;
    apr_status_t status = rs_redis_names_find(names, host, port, &found, call);

    if (status != APR_SUCCESS)
        return status;
    status = open_any(wire, &found, call, p);
    if (status == APR_SUCCESS)
        return APR_SUCCESS;
    return status == APR_TIMEUP ? too_late(call, "no connection in time")
                                : failed(call, status, "no connection");
}

/* After a step of TLS: wait for what it wants, or say how it ended. APR_EAGAIN: take the step
 * again. */
static apr_status_t after_tls(rs_redis_wire_t *wire, rs_redis_tls_want_t want,
                              rs_redis_call_t *call)
{
    apr_status_t status;

    switch (want) {
    case RS_TLS_DONE:
        return APR_SUCCESS;
    case RS_TLS_READ:
    case RS_TLS_WRITE:
        status = wait_for(wire->fd, want == RS_TLS_READ ? POLLIN : POLLOUT, call);
        return status == APR_SUCCESS ? APR_EAGAIN : status;
    case RS_TLS_CLOSED:
        return APR_EOF;
    case RS_TLS_FAILED:
        break;
    }
    call->trouble = rs_redis_tls_trouble(wire->tls, call->p);
    return APR_EGENERAL;
}

apr_status_t rs_redis_wire_start_tls(rs_redis_wire_t *wire, rs_redis_tls_t *tls, const char *host,
                                     rs_redis_call_t *call)
{
    apr_status_t status = rs_redis_tls_stream_create(&wire->tls, tls, wire->fd, host, wire->pool);

    if (status != APR_SUCCESS)
        return failed(call, status, "TLS could not be set up");
    do
        status = after_tls(wire, rs_redis_tls_greet(wire->tls), call);
    while (status == APR_EAGAIN);
    if (status == APR_TIMEUP)
        return too_late(call, "no TLS in time");
    if (status == APR_EOF)
        return failed(call, status, "closed during the TLS handshake (is it a TLS port?)");
    return status;
}

/* One step without waiting; APR_EAGAIN after having waited for what it needs. */
static apr_status_t step_out(rs_redis_wire_t *wire, const char *bytes, apr_size_t len,
                             apr_size_t *done, rs_redis_call_t *call)
{
    apr_status_t status;
    ssize_t sent;

    *done = 0;
    if (wire->tls)
        return after_tls(wire, rs_redis_tls_write(wire->tls, bytes, len, done), call);
    sent = send(wire->fd, bytes, len, MSG_NOSIGNAL);
    if (sent >= 0) {
        *done = (apr_size_t)sent;
        return APR_SUCCESS;
    }
    if (errno == EINTR)
        return APR_EAGAIN;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return errno;
    status = wait_for(wire->fd, POLLOUT, call);
    return status == APR_SUCCESS ? APR_EAGAIN : status;
}

static apr_status_t step_in(rs_redis_wire_t *wire, char *bytes, apr_size_t size, apr_size_t *got,
                            rs_redis_call_t *call)
{
    apr_status_t status;
    ssize_t received;

    *got = 0;
    if (wire->tls)
        return after_tls(wire, rs_redis_tls_read(wire->tls, bytes, size, got), call);
    received = recv(wire->fd, bytes, size, 0);
    if (received == 0)
        return APR_EOF;
    if (received > 0) {
        *got = (apr_size_t)received;
        return APR_SUCCESS;
    }
    if (errno == EINTR)
        return APR_EAGAIN;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return errno;
    status = wait_for(wire->fd, POLLIN, call);
    return status == APR_SUCCESS ? APR_EAGAIN : status;
}

apr_status_t rs_redis_wire_send(rs_redis_wire_t *wire, const char *bytes, apr_size_t len,
                                rs_redis_call_t *call)
{
    apr_size_t done;

    while (len > 0) {
        apr_status_t status = step_out(wire, bytes, len, &done, call);

        if (status == APR_TIMEUP)
            return too_late(call, "it did not take the command in time");
        if (status != APR_SUCCESS && status != APR_EAGAIN)
            return call->trouble ? status : failed(call, status, "the command could not be sent");
        bytes += done;
        len -= done;
    }
    return APR_SUCCESS;
}

apr_status_t rs_redis_wire_receive(rs_redis_wire_t *wire, char *bytes, apr_size_t size,
                                   apr_size_t *got, rs_redis_call_t *call)
{
    apr_status_t status;

    /* A peer that never stops talking is stopped here: data that is there already must not outrun
     * the time. */
    if (rs_redis_call_left(call) <= 0)
        return too_late(call, "no complete answer in time");
    do
        status = step_in(wire, bytes, size, got, call);
    while (status == APR_EAGAIN);
    if (status == APR_TIMEUP)
        return too_late(call, "no answer in time");
    if (status == APR_EOF)
        call->trouble = "the connection was closed";
    else if (status != APR_SUCCESS && !call->trouble)
        return failed(call, status, "no answer");
    return status;
}

bool rs_redis_wire_is_quiet(const rs_redis_wire_t *wire)
{
    struct pollfd poller = { .fd = wire->fd, .events = POLLIN };

    if (wire->tls && rs_redis_tls_pending(wire->tls))
        return false;
    return poll(&poller, 1, 0) == 0;
}
