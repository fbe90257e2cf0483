// CZlib: zlib's header, for the compressed histograms.
#ifndef CONTOSO_CZLIB_H
#define CONTOSO_CZLIB_H

#include <zlib.h>

#endif
