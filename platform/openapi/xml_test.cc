#include "platform/openapi/xml.h"

#include <doctest/doctest.h>
#include <boost/json/parse.hpp>

using tercet::openapi::to_xml;

namespace {
std::string xml(const char* json) { return to_xml("R", boost::json::parse(json).as_object()); }
constexpr const char* kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
}  // namespace

TEST_CASE("members become elements and arrays repeat their name") {
  CHECK(xml(R"({"RequestId":"X","Success":true,"Total":2,"Data":{"List":{"P":[{"K":"a"},{"K":"b"}]}}})") ==
        std::string(kHead) +
            "<R><RequestId>X</RequestId><Success>true</Success><Total>2</Total>"
            "<Data><List><P><K>a</K></P><P><K>b</K></P></List></Data></R>");
}

TEST_CASE("text is escaped, and what XML cannot hold is left out") {
  CHECK(xml(R"({"a":"<b> & \"c\"\u0001\u0000\t\r"})") ==
        std::string(kHead) + "<R><a>&lt;b&gt; &amp; \"c\"\t&#13;</a></R>");
  CHECK(xml(R"({"a":"温度","b":"","c":null,"d":{},"e":[]})") ==
        std::string(kHead) + "<R><a>温度</a><b></b><d></d></R>");
}
