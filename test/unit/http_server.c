/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A scripted HTTP server on loopback. */
#include "http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096

typedef struct {
    pthread_t thread;
    int fd; /* -1: closed */
} connection_t;

struct http_server_t {
    http_script_fn *script;
    const void *baton;
    SSL_CTX *tls;
    int listener, port;
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards all below */
    unsigned accepted, requests, open, open_most;
    bool stopping;
    connection_t connections[CONNECTIONS_MAX];
};

typedef struct {
    http_server_t *server;
    unsigned index;
} start_t;

static void serve(http_stream_t *stream)
{
    http_server_t *server = stream->server;

    if (server->tls) {
        stream->ssl = SSL_new(server->tls);
        SSL_set_fd(stream->ssl, stream->fd);
        if (SSL_accept(stream->ssl) != 1) {
            SSL_free(stream->ssl);
            return;
        }
    }
    server->script(stream, server->baton);
    if (stream->ssl) {
        SSL_shutdown(stream->ssl);
        SSL_free(stream->ssl);
    }
}

static void *run_connection(void *baton)
{
    start_t *start = baton;
    http_server_t *server = start->server;
    connection_t *connection = &server->connections[start->index];
    http_stream_t *stream = calloc(1, sizeof *stream);

    stream->server = server;
    stream->nth = start->index + 1;
    pthread_mutex_lock(&server->lock);
    stream->fd = connection->fd;
    pthread_mutex_unlock(&server->lock);
    free(start);
    serve(stream);
    pthread_mutex_lock(&server->lock);
    close(connection->fd);
    connection->fd = -1;
    server->open--;
    pthread_mutex_unlock(&server->lock);
    free(stream);
    return NULL;
}

static void *run_acceptor(void *baton)
{
    http_server_t *server = baton;
    int fd, on = 1;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        start_t *start = malloc(sizeof *start);
        connection_t *connection;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pthread_mutex_lock(&server->lock);
        assert(server->accepted < CONNECTIONS_MAX);
        start->server = server;
        start->index = server->accepted++;
        connection = &server->connections[start->index];
        connection->fd = fd;
        server->open++;
        if (server->open > server->open_most)
            server->open_most = server->open;
        if (server->stopping)
            shutdown(fd, SHUT_RDWR);
        assert(pthread_create(&connection->thread, NULL, run_connection, start) == 0);
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

static void listen_on(http_server_t *server, const char *path)
{
    struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    socklen_t len = sizeof inet;
    int ok;

    server->listener = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    if (path) {
        assert(strlen(path) < sizeof local.sun_path);
        strcpy(local.sun_path, path);
        ok = bind(server->listener, (struct sockaddr *)&local, sizeof local);
    }
    else
        ok = bind(server->listener, (struct sockaddr *)&inet, sizeof inet);
    assert(ok == 0 && listen(server->listener, 128) == 0);
    if (!path && getsockname(server->listener, (struct sockaddr *)&inet, &len) == 0)
        server->port = ntohs(inet.sin_port);
}

http_server_t *http_server_start(http_script_fn *script, const void *baton, SSL_CTX *tls,
                                 const char *path)
{
    http_server_t *server = calloc(1, sizeof *server);

    server->script = script;
    server->baton = baton;
    server->tls = tls;
    pthread_mutex_init(&server->lock, NULL);
    listen_on(server, path);
    assert(pthread_create(&server->acceptor, NULL, run_acceptor, server) == 0);
    return server;
}

void http_server_stop(http_server_t *server)
{
    unsigned i;

    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    for (i = 0; i < server->accepted; i++)
        if (server->connections[i].fd >= 0)
            shutdown(server->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    close(server->listener);
    for (i = 0; i < server->accepted; i++)
        pthread_join(server->connections[i].thread, NULL);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int http_server_port(const http_server_t *server)
{
    return server->port;
}

static unsigned read_count(http_server_t *server, const unsigned *count)
{
    unsigned value;

    pthread_mutex_lock(&server->lock);
    value = *count;
    pthread_mutex_unlock(&server->lock);
    return value;
}

unsigned http_server_accepted(http_server_t *server)
{
    return read_count(server, &server->accepted);
}

unsigned http_server_requests(http_server_t *server)
{
    return read_count(server, &server->requests);
}

unsigned http_server_open_most(http_server_t *server)
{
    return read_count(server, &server->open_most);
}

static int receive(http_stream_t *stream, char *bytes, size_t len)
{
    if (stream->ssl)
        return SSL_read(stream->ssl, bytes, (int)len);
    return (int)recv(stream->fd, bytes, len, 0);
}

/* Bytes of the whole request, as far as its head is there; else 0. */
static size_t request_len(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n"), *length;

    if (!end)
        return 0;
    length = strcasestr(request, "\r\nContent-Length:");
    return (size_t)(end + 4 - request) +
           (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

bool http_stream_read(http_stream_t *stream)
{
    size_t have = 0, want;

    stream->request[0] = '\0';
    while ((want = request_len(stream->request)) == 0 || have < want) {
        int got = receive(stream, stream->request + have, sizeof stream->request - 1 - have);

        if (got <= 0)
            return false;
        have += (size_t)got;
        stream->request[have] = '\0';
    }
    pthread_mutex_lock(&stream->server->lock);
    stream->server->requests++;
    pthread_mutex_unlock(&stream->server->lock);
    return true;
}

bool http_stream_write(http_stream_t *stream, const char *bytes, size_t len)
{
    while (len) {
        int sent = stream->ssl ? SSL_write(stream->ssl, bytes, (int)len)
                               : (int)send(stream->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool http_stream_say(http_stream_t *stream, const char *text)
{
    return http_stream_write(stream, text, strlen(text));
}
