#include "platform/openapi/xml.h"

#include "platform/openapi/valid_utf8.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tercet::openapi {
namespace {

void put_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\r':
        out += "&#13;";
        break;  // a parser would make a line feed of it
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n') out += c;
    }
  }
}

void put_members(std::string& out, const boost::json::object& object);

void put_element(std::string& out, std::string_view name, const boost::json::value& value) {
  if (value.is_null()) return;
  if (const auto* array = value.if_array()) {
    for (const auto& element : *array) put_element(out, name, element);
    return;
  }
  out.append("<").append(name).append(">");
  if (const auto* object = value.if_object())
    put_members(out, *object);
  else if (const auto* text = value.if_string())
    put_text(out, {text->data(), text->size()});
  else
    out += boost::json::serialize(value);
  out.append("</").append(name).append(">");
}

void put_members(std::string& out, const boost::json::object& object) {
  for (const auto& member : object) put_element(out, {member.key().data(), member.key().size()}, member.value());
}

}  // namespace

std::string to_xml(std::string_view root, const boost::json::object& body) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
  out.append("<").append(root).append(">");
  put_members(out, body);
  return valid_utf8(out.append("</").append(root).append(">"));
}

}  // namespace tercet::openapi
