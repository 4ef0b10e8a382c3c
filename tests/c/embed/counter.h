/* A service of an application's own: `example.counter/1`. */
#ifndef COUNTER_H
#define COUNTER_H

#include <stdint.h>

struct counter_v1 {
    uint32_t struct_size;
    uint32_t flags;
    void *context;
    /* The next number. Any thread. */
    int (*next)(void *context);
};

#endif
