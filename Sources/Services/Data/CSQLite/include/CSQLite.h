// CSQLite: SQLite's header, with functions for what Swift cannot import (variadics and cast macros).
#ifndef CONTOSO_CSQLITE_H
#define CONTOSO_CSQLITE_H

#include <sqlite3.h>

/// Binds a copy of the bytes, so that the caller's buffer may go away at once.
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes, count, SQLITE_TRANSIENT);
}

static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

#endif
