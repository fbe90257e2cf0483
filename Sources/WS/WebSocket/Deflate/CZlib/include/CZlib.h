// CZlib: zlib's header.
#ifndef CONTOSO_CZLIB_H
#define CONTOSO_CZLIB_H

#include <zlib.h>

#endif
