// Everything is in the header; this file makes it a target of its own.
#include "CSQLite.h"
