// Any text is refused, or is a document that can be walked and written again without a change of meaning.
#include <array>
#include <cstdlib>
#include <string>

#include "tercet/json/object_reader.h"
#include "tercet/json/writer.h"

using namespace tercet;

namespace {

std::array<std::uint8_t, 1 << 16> text_buffer;

void copy(const json::Value& value, json::Writer& out) {
  switch (value.type()) {
    case json::Type::object:
      out.begin_object();
      for (const auto& [name, member] : value.members()) {
        const auto plain = name.unescape(text_buffer);
        if (!plain || !(name == *plain)) std::abort();
        out.key(*plain);
        copy(member, out);
      }
      out.end_object();
      return;
    case json::Type::array:
      out.begin_array();
      for (const auto& element : value.elements()) copy(element, out);
      out.end_array();
      return;
    case json::Type::string:
      out.string(*value.text()->unescape(text_buffer));
      return;
    case json::Type::number:
      if (const auto whole = value.integer(); whole && value.is_integer_literal())
        out.number(*whole);
      else
        out.number(*value.real());
      return;
    case json::Type::boolean:
      out.boolean(*value.boolean());
      return;
    case json::Type::null:
      out.null();
      return;
  }
}

std::string written(const json::Value& value) {
  static std::array<std::uint8_t, 1 << 18> buffer;
  Writer out{buffer};
  json::Writer json{out};
  copy(value, json);
  if (!out.ok()) std::abort();
  return std::string(out.text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  for (const json::Grammar grammar : {json::Grammar::strict, json::Grammar::trailing_commas}) {
    const auto value = json::parse(text, grammar);
    const auto fault = json::find_fault(text, grammar);
    if (value.has_value() == fault.has_value() || (fault && fault->offset > size)) std::abort();

    json::ObjectReader in{text, grammar};
    std::size_t members = 0;
    while (in.next()) ++members;
    if (in.ok() != (value && value->is(json::Type::object))) std::abort();
    if (in.ok() && members != value->size()) std::abort();

    if (!value) continue;
    const std::string once = written(*value);
    const auto again = json::parse(std::string_view(once));
    if (!again || written(*again) != once) std::abort();
  }
  return 0;
}
