#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

namespace tercet::openapi {

/// An answer as XML: members become elements, each element of an array repeats the array's name, null is left out.
/// Characters that XML 1.0 cannot hold are left out too; bytes that are no UTF-8 become U+FFFD.
std::string to_xml(std::string_view root, const boost::json::object& body);

}  // namespace tercet::openapi
