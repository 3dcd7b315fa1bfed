// First byte: how the rest is cut into pieces. Up to the first line end it is an address, behind it what a server says.
// Any cutting gives the same head, and nothing is read past what is there.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "tercet/device/http_head.h"
#include "tercet/device/url.h"

using namespace tercet;
using namespace tercet::device;

namespace {

struct Outcome {
  bool ok = false, done = false;
  std::size_t used = 0;
  HttpHead head;
};

Outcome read(Bytes bytes, std::size_t piece) {
  HttpHeadParser parser;
  Outcome out{.ok = true};
  while (out.used < bytes.size() && !parser.is_done()) {
    const std::size_t size = std::min(piece, bytes.size() - out.used);
    const std::vector<std::uint8_t> copy(bytes.begin() + static_cast<std::ptrdiff_t>(out.used),
                                         bytes.begin() + static_cast<std::ptrdiff_t>(out.used + size));
    const auto used = parser.take(copy);
    if (!used) return {};
    if (*used > size || (*used < size && !parser.is_done())) std::abort();
    out.used += *used;
  }
  out.done = parser.is_done(), out.head = parser.head();
  return out;
}

void try_head(Bytes bytes, std::size_t piece) {
  const Outcome whole = read(bytes, bytes.size() + 1), cut = read(bytes, piece);
  if (whole.ok != cut.ok || whole.done != cut.done || whole.used != cut.used) std::abort();
  if (!whole.ok || !whole.done) return;
  const HttpHead &a = whole.head, &b = cut.head;
  if (a.status != b.status || a.length != b.length || a.is_chunked != b.is_chunked) std::abort();
  if (a.status < 200 || a.status > 599) std::abort();
  if (a.range && (a.range->last < a.range->first || (a.range->total && *a.range->total <= a.range->last))) std::abort();
}

void try_url(std::string_view text) {
  const std::vector<char> copy(text.begin(), text.end());
  const auto url = parse_url({copy.data(), copy.size()});
  if (!url) return;
  if (url->host.empty() || url->port == 0) std::abort();
  for (const std::string_view part : {url->host, url->path}) {
    if (part.empty()) continue;
    if (part.data() < copy.data() || part.data() + part.size() > copy.data() + copy.size()) std::abort();
    // Nothing of an address can end a line of the request.
    if (std::any_of(part.begin(), part.end(), [](char c) { return c <= 0x20 || c == 0x7F; })) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest{data + 1, size - 1};
  const auto end = as_text(rest).find('\n');
  try_url(as_text(rest).substr(0, end));
  if (end != std::string_view::npos) try_head(rest.subspan(end + 1), 1 + data[0] % 32u);
  return 0;
}
