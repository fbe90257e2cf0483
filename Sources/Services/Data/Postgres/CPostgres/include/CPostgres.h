// CPostgres: libpq's header.
#ifndef CONTOSO_CPOSTGRES_H
#define CONTOSO_CPOSTGRES_H

#include <postgresql/libpq-fe.h>

#endif
