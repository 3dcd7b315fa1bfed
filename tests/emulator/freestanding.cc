// What code without exceptions and without a heap still refers to by way of libstdc++'s headers. Each ends the program;
// so nothing of libstdc++ itself is linked, whose tables for exceptions would bring the heap with them.
#include <cstddef>
#include <cstdlib>
#include <new>

namespace std {
const nothrow_t nothrow{};
[[noreturn]] void __throw_bad_alloc() { abort(); }
[[noreturn]] void __throw_bad_array_new_length() { abort(); }
[[noreturn]] void __throw_bad_function_call() { abort(); }
[[noreturn]] void __throw_invalid_argument(const char*) { abort(); }
[[noreturn]] void __throw_length_error(const char*) { abort(); }
[[noreturn]] void __throw_logic_error(const char*) { abort(); }
[[noreturn]] void __throw_out_of_range(const char*) { abort(); }
[[noreturn]] void __throw_out_of_range_fmt(const char*, ...) { abort(); }
}  // namespace std

extern "C" [[noreturn]] void __cxa_pure_virtual() { std::abort(); }
extern "C" void* __dso_handle;
__attribute__((weak)) void* __dso_handle = nullptr;

// Any class with a virtual destructor refers to these, called or not.
__attribute__((weak)) void operator delete(void*) noexcept { std::abort(); }
__attribute__((weak)) void operator delete(void*, std::size_t) noexcept { std::abort(); }
