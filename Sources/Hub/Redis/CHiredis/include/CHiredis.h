// CHiredis: hiredis as a codec. Only its reader is used; sockets, TLS and time-outs are the loop's.
#ifndef CONTOSO_CHIREDIS_H
#define CONTOSO_CHIREDIS_H

#include <hiredis/hiredis.h>

#endif
