// Any class with a virtual destructor refers to operator delete, called or not. In an image without a heap nothing is
// ever deleted, and these say so.
#include <cstddef>
#include <cstdlib>
#include <new>

void operator delete(void*) noexcept { std::abort(); }
void operator delete(void*, std::size_t) noexcept { std::abort(); }
