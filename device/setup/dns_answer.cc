#include "setup/dns_answer.h"

#include <algorithm>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::setup {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kAddressType = 1, kInternet = 1;

/// Where the one question ends: after its name, type and class. 0: it does not.
std::size_t end_of_question(Bytes message) {
  std::size_t at = kHeader;
  while (at < message.size() && message[at] != 0) {
    if (message[at] > 63) return 0;  // a pointer has no business in a question
    at += message[at] + std::size_t{1};
  }
  at += 5;
  return at <= message.size() ? at : 0;
}

}  // namespace

Result<std::size_t> answer_dns(Bytes question, const std::array<std::uint8_t, 4>& address, MutableBytes into) {
  if (question.size() < kHeader || (question[2] & 0xF8) != 0) return fail(Error::malformed);  // a standard query
  if (question[4] != 0 || question[5] != 1) return fail(Error::malformed);
  const std::size_t end = end_of_question(question);
  if (end == 0) return fail(Error::malformed);
  Reader tail{question.subspan(end - 4, 4)};
  const std::uint16_t type = tail.u16(), of_class = tail.u16();
  const bool has_answer = type == kAddressType && of_class == kInternet;
  const std::size_t size = end + (has_answer ? 16 : 0);
  if (into.size() < size) return fail(Error::no_space);
  std::copy_n(question.begin(), end, into.begin());
  into[2] = static_cast<std::uint8_t>(0x84 | (question[2] & 0x01));  // an answer with authority; recursion as asked
  into[3] = 0;
  into[6] = 0, into[7] = has_answer ? 1 : 0;
  std::fill_n(into.begin() + 8, 4, std::uint8_t{0});
  if (!has_answer) return size;
  Writer out{into.subspan(end)};
  out.u16(0xC00C);  // the name of the question
  out.u16(kAddressType);
  out.u16(kInternet);
  out.u32(60);
  out.u16(4);
  std::copy(address.begin(), address.end(), into.begin() + static_cast<std::ptrdiff_t>(end + 12));
  return size;
}

}  // namespace tercet::setup
