#pragma once

/// Before a small function in a header that is called from many places: where size counts (-Os, boards) the compiler
/// keeps one copy of it instead of one per call; where speed counts it decides as ever.
#ifdef __OPTIMIZE_SIZE__
#define TERCET_ONE_COPY __attribute__((noinline))
#else
#define TERCET_ONE_COPY
#endif
