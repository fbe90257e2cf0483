// frame: the frames that a server writes (RFC 6455 §5.2).

#include "floor.h"

size_t write_frame_header(unsigned char *out, int opcode, size_t length) {
    out[0] = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (unsigned char)length;
        return 2;
    }
    out[1] = 126;
    out[2] = (unsigned char)(length >> 8);
    out[3] = (unsigned char)length;
    return 4;
}
