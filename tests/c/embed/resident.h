/* How much memory a program has. */
#ifndef RESIDENT_H
#define RESIDENT_H

#include "check.h"
#include <unistd.h>

/* Resident memory in KiB. */
static long resident(void)
{
    long pages = 0, shared;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld %ld", &shared, &pages) == 2);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
