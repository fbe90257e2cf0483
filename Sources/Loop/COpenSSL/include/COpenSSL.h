// COpenSSL: OpenSSL's headers, with inline functions for its function-like macros.
#ifndef CONTOSO_COPENSSL_H
#define CONTOSO_COPENSSL_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline void copenssl_ctx_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static inline void copenssl_ctx_set_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

static inline void copenssl_ctx_disable_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

static inline void copenssl_ctx_set_server_name_callback(SSL_CTX *context,
                                                         int (*callback)(SSL *, int *, void *)) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
}

static inline void copenssl_ctx_set_status_callback(SSL_CTX *context,
                                                    int (*callback)(SSL *, void *)) {
    SSL_CTX_set_tlsext_status_cb(context, callback);
}

/// Hands a copy of the response to the session; 1 on success.
static inline int copenssl_staple(SSL *ssl, const void *response, size_t count) {
    unsigned char *copy = OPENSSL_memdup(response, count);
    return copy != NULL && SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)count) == 1;
}

static inline void copenssl_drop_staple(SSL *ssl) {
    SSL_set_tlsext_status_ocsp_resp(ssl, NULL, 0);
}

/// Whether an error of PEM_read_… only says that the file has no more of them.
static inline int copenssl_is_end_of_pem(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/// RFC 4514, letters beyond ASCII left as they are.
static inline int copenssl_print_name(BIO *bio, const X509_NAME *name) {
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}

static inline int copenssl_is_of_ssl(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_SSL;
}

static inline int copenssl_reason(unsigned long code) { return ERR_GET_REASON(code); }

/// The alert's name behind "… alert "; NULL if OpenSSL has none.
static inline const char *copenssl_alert_text(unsigned char number) {
    return ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + number));
}

/// RFC 5869 with SHA-256 and no salt; 1 on success.
static inline int copenssl_hkdf(const void *secret, size_t secret_count, const void *info,
                                size_t info_count, void *output, size_t output_count) {
    EVP_KDF *algorithm = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(algorithm);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string("digest", (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string("key", (void *)secret, secret_count),
        OSSL_PARAM_construct_octet_string("info", (void *)info, info_count),
        OSSL_PARAM_construct_end()};
    int result = context == NULL ? 0 : EVP_KDF_derive(context, output, output_count, parameters);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(algorithm);
    return result == 1;
}

/// HMAC with SHA-256; 1 on success.
static inline int copenssl_start_hmac(EVP_MAC_CTX *context, const unsigned char *key,
                                      size_t key_count) {
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)"SHA256", 0),
                               OSSL_PARAM_construct_end()};
    return EVP_MAC_init(context, key, key_count, parameters);
}

static inline int copenssl_ctx_set_versions(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline void copenssl_ctx_disable_session_cache(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

/// A client keeps what the new-session callback takes, and nothing else.
static inline void copenssl_ctx_keep_client_sessions(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}

static inline int copenssl_ctx_set_groups(SSL_CTX *context, const char *groups) {
    return SSL_CTX_set1_groups_list(context, groups);
}

/// Server Name Indication (RFC 6066 section 3); 1 on success.
static inline int copenssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, (char *)name);
}

static inline void copenssl_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void copenssl_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

#endif
