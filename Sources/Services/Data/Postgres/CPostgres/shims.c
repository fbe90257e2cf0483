// SwiftPM builds a C target from at least one source file.
#include "CPostgres.h"
