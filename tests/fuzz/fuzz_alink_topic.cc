// Any topic is refused or taken apart into pieces of itself; whatever answers it is a topic that needs no answer.
#include <array>
#include <cstdlib>

#include "tercet/alink/topic.h"
#include "tercet/base/bytes.h"

using namespace tercet;
using namespace tercet::alink;

namespace {

void check_inside(std::string_view piece, std::string_view whole) {
  if (piece.empty()) return;
  if (piece.data() < whole.data() || piece.data() + piece.size() > whole.data() + whole.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto topic = parse_topic(text);
  if (!topic) return 0;
  for (const std::string_view piece :
       {topic->path, topic->product, topic->device, topic->name, topic->inner, topic->query})
    check_inside(piece, text);
  (void)direction(*topic);
  (void)topic->wants_script();
  if (is_delivered_unasked(*topic, false, 0) && !is_delivered_unasked(*topic, true, 3)) std::abort();
  std::array<char, 128> buffer;
  (void)method_of(*topic, buffer);

  const auto reply = reply_topic(*topic);
  if (!reply) return 0;
  const auto answer = parse_topic(reply->str());
  if (!answer) std::abort();
  if (answer->path != topic->path && reply_topic(*answer)) std::abort();
  if (answer->product != topic->product || answer->device != topic->device) std::abort();
  return 0;
}
