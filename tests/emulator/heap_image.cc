// Allocates, and must therefore be found out by no_heap.sh.
#include <new>

static int* volatile kept;

int main() {
  kept = new int(1);
  return 0;
}
