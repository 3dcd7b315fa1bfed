#!/bin/sh
# no_heap.sh NM IMAGE: fails when the image contains any way to get memory at run time.
set -eu
symbols=$("$1" "$2" | awk '{print $NF}')
[ -n "$symbols" ] || { echo "no_heap: $2 has no symbols" >&2; exit 2; }
found=$(printf '%s\n' "$symbols" | grep -xE '_?(malloc|calloc|realloc|memalign|aligned_alloc|strdup|sbrk)(_r)?|_Zn[wa].*' || true)
[ -z "$found" ] && { echo "no_heap: none in $(basename "$2")"; exit 0; }
echo "no_heap: $(basename "$2") can allocate: $(echo $found)" >&2
exit 1
