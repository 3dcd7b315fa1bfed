// The first byte chooses a kind of file, the rest is its text. What is reported never holds a value.
#include <cstdlib>
#include <string>

#include "provision/source_check.h"
#include "tercet/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr const char* kFiles[] = {"main.c", "board.yaml", "boards.csv", "sdkconfig"};
  const std::string_view text = tercet::as_text({data + 1, size - 1});
  for (const auto& found : tercet::provision::find_secrets(kFiles[data[0] % 4], text))
    if (found.line == 0 || found.what.size() > 100) std::abort();
  return 0;
}
