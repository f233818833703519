/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* TLS towards Redis. The socket BIO is our own because OpenSSL's writes without MSG_NOSIGNAL: a
 * peer that went away would be a SIGPIPE. */
#include "cache/rs_redis_tls.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

struct rs_redis_tls_t {
    SSL_CTX *ctx;
    BIO_METHOD *method;
};

struct rs_redis_tls_stream_t {
    SSL *ssl;
    int fd;
    unsigned long error;
};

static int bio_write(BIO *bio, const char *bytes, int len)
{
    const rs_redis_tls_stream_t *stream = BIO_get_data(bio);
    ssize_t sent;

    do
        sent = send(stream->fd, bytes, (size_t)len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    BIO_clear_retry_flags(bio);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int bio_read(BIO *bio, char *bytes, int size)
{
    const rs_redis_tls_stream_t *stream = BIO_get_data(bio);
    ssize_t got;

    do
        got = recv(stream->fd, bytes, (size_t)size, 0);
    while (got < 0 && errno == EINTR);
    BIO_clear_retry_flags(bio);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_read(bio);
    return (int)got;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

void rs_redis_tls_forget(rs_redis_tls_t *tls)
{
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->method);
    tls->ctx = NULL;
    tls->method = NULL;
}

static apr_status_t tls_free(void *data)
{
    rs_redis_tls_forget(data);
    return APR_SUCCESS;
}

static const char *openssl_word(unsigned long error, apr_pool_t *p)
{
    const char *reason = error ? ERR_reason_error_string(error) : NULL;

    return reason ? apr_pstrdup(p, reason) : "no reason given";
}

static const char *load_files(SSL_CTX *ctx, const rs_redis_tls_files_t *files, apr_pool_t *p)
{
    if (files->ca_file ? SSL_CTX_load_verify_locations(ctx, files->ca_file, NULL) != 1
                       : SSL_CTX_set_default_verify_paths(ctx) != 1)
        return apr_psprintf(p, "the trusted certificates in %s could not be read: %s",
                            files->ca_file ? files->ca_file : "the system's store",
                            openssl_word(ERR_peek_last_error(), p));
    if (!files->client_cert)
        return NULL;
    if (SSL_CTX_use_certificate_chain_file(ctx, files->client_cert) != 1)
        return apr_psprintf(p, "the client certificate in %s could not be read: %s",
                            files->client_cert, openssl_word(ERR_peek_last_error(), p));
    if (SSL_CTX_use_PrivateKey_file(ctx, files->client_key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return apr_psprintf(p, "the key in %s could not be read or is not the certificate's: %s",
                            files->client_key, openssl_word(ERR_peek_last_error(), p));
    return NULL;
}

/* A key with a passphrase must not ask for it on the console of a server. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return 0;
}

static bool make_context(rs_redis_tls_t *tls)
{
    tls->ctx = SSL_CTX_new(TLS_client_method());
    /* No index of its own: there are but 127 of them, and each restart would take one. */
    tls->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rs_redis");
    if (!tls->ctx || !tls->method)
        return false;
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(tls->ctx, no_passphrase);
    return SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) == 1 &&
           BIO_meth_set_write(tls->method, bio_write) == 1 &&
           BIO_meth_set_read(tls->method, bio_read) == 1 &&
           BIO_meth_set_ctrl(tls->method, bio_ctrl) == 1;
}

apr_status_t rs_redis_tls_create(rs_redis_tls_t **tls, const rs_redis_tls_files_t *files,
                                 const char **trouble, apr_pool_t *p)
{
    rs_redis_tls_t *made = apr_pcalloc(p, sizeof *made);

    ERR_clear_error();
    apr_pool_cleanup_register(p, made, tls_free, apr_pool_cleanup_null);
    *trouble = make_context(made) ? load_files(made->ctx, files, p) : "OpenSSL could not be set up";
    ERR_clear_error();
    if (*trouble)
        return APR_EINVAL;
    *tls = made;
    return APR_SUCCESS;
}

static apr_status_t stream_free(void *data)
{
    SSL_free(((rs_redis_tls_stream_t *)data)->ssl);
    return APR_SUCCESS;
}

/* RFC 9525 6: a name is compared with the names of the certificate, an address with its addresses.
 */
static bool expect_host(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    bool number = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;

    if (number)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

apr_status_t rs_redis_tls_stream_create(rs_redis_tls_stream_t **stream, rs_redis_tls_t *tls, int fd,
                                        const char *host, apr_pool_t *p)
{
    rs_redis_tls_stream_t *made = apr_pcalloc(p, sizeof *made);
    BIO *bio;

    made->fd = fd;
    made->ssl = SSL_new(tls->ctx);
    if (!made->ssl)
        return APR_ENOMEM;
    apr_pool_cleanup_register(p, made, stream_free, apr_pool_cleanup_null);
    bio = BIO_new(tls->method);
    if (!bio)
        return APR_ENOMEM;
    BIO_set_data(bio, made);
    BIO_set_init(bio, 1);
    SSL_set_bio(made->ssl, bio, bio);
    SSL_set_connect_state(made->ssl);
    if (!expect_host(made->ssl, host))
        return APR_EINVAL;
    *stream = made;
    return APR_SUCCESS;
}

/* What OpenSSL says after a step; its error queue belongs to the thread and is left empty. */
static rs_redis_tls_want_t want(rs_redis_tls_stream_t *stream, int result)
{
    static const struct {
        int error;
        rs_redis_tls_want_t want;
    } wants[] = {
        { SSL_ERROR_NONE, RS_TLS_DONE },
        { SSL_ERROR_WANT_READ, RS_TLS_READ },
        { SSL_ERROR_WANT_WRITE, RS_TLS_WRITE },
        { SSL_ERROR_ZERO_RETURN, RS_TLS_CLOSED },
    };
    int error = SSL_get_error(stream->ssl, result);
    unsigned i;

    stream->error = ERR_peek_error();
    ERR_clear_error();
    for (i = 0; i < sizeof wants / sizeof wants[0]; i++)
        if (wants[i].error == error)
            return wants[i].want;
    return error == SSL_ERROR_SYSCALL && !stream->error ? RS_TLS_CLOSED : RS_TLS_FAILED;
}

rs_redis_tls_want_t rs_redis_tls_greet(rs_redis_tls_stream_t *stream)
{
    ERR_clear_error();
    return want(stream, SSL_connect(stream->ssl));
}

rs_redis_tls_want_t rs_redis_tls_write(rs_redis_tls_stream_t *stream, const char *bytes,
                                       apr_size_t len, apr_size_t *done)
{
    ERR_clear_error();
    return want(stream, SSL_write_ex(stream->ssl, bytes, len, done));
}

rs_redis_tls_want_t rs_redis_tls_read(rs_redis_tls_stream_t *stream, char *bytes, apr_size_t size,
                                      apr_size_t *done)
{
    ERR_clear_error();
    return want(stream, SSL_read_ex(stream->ssl, bytes, size, done));
}

bool rs_redis_tls_pending(const rs_redis_tls_stream_t *stream)
{
    return SSL_has_pending(stream->ssl) == 1;
}

const char *rs_redis_tls_trouble(const rs_redis_tls_stream_t *stream, apr_pool_t *p)
{
    long verified = SSL_get_verify_result(stream->ssl);

    if (verified != X509_V_OK)
        return apr_psprintf(p, "its certificate is not accepted: %s",
                            X509_verify_cert_error_string(verified));
    return apr_psprintf(p, "TLS failed: %s", openssl_word(stream->error, p));
}
