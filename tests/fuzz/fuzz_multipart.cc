// Forms with firmware: the same events whatever the pieces are, and nothing kept beyond its bounds.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "platform/upgrade/multipart.h"

namespace {

struct Seen final : tercet::upgrade::MultipartEvents {
  bool on_field(std::string_view name, std::string_view value) override {
    text.append("f").append(name).append("=").append(value);
    return true;
  }
  bool on_file(std::string_view name, std::string_view file_name) override {
    text.append("F").append(name).append(":").append(file_name).append(">");
    return true;
  }
  bool on_file_bytes(tercet::Bytes bytes) override {
    text.append(tercet::as_text(bytes));
    return true;
  }
  bool on_file_end() override {
    text += "<";
    return true;
  }
  std::string text;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 7 + 1;
  const tercet::Bytes form{data + 1, size - 1};
  static_cast<void>(tercet::upgrade::MultipartReader::boundary_of(tercet::as_text(form)));
  Seen whole, pieces;
  tercet::upgrade::MultipartReader at_once("b", whole), bit_by_bit("b", pieces);
  const bool good = at_once.take(form);
  bool still_good = true;
  for (std::size_t at = 0; at < form.size() && still_good; at += piece)
    still_good = bit_by_bit.take(form.subspan(at, std::min(piece, form.size() - at)));
  // A form that is refused may have given more or less of itself before; one that is not gives the same.
  if (good && still_good && (whole.text != pieces.text || at_once.is_whole() != bit_by_bit.is_whole())) std::abort();
  return 0;
}
