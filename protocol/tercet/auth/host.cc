#include "tercet/auth/host.h"

#include <array>

#include "tercet/base/writer.h"

namespace tercet::auth {
namespace {

constexpr std::string_view kProductMiddle = ".iot-as-mqtt.";
constexpr std::string_view kInstanceEnd = ".mqtt.iothub.aliyuncs.com";
constexpr std::string_view kCloud = ".aliyuncs.com";

bool is_label(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  for (const char c : text) {
    const char l = static_cast<char>(c | 0x20);
    if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return true;
}

Result<HostName> join(std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
  std::array<std::uint8_t, HostName::capacity()> buffer;
  Writer out{buffer};
  out.text(a), out.text(b), out.text(c), out.text(d);
  if (!out.ok()) return fail(Error::bad_argument);
  return HostName::from(out.text());
}

}  // namespace

Result<HostName> host_of_product(const ProductKey& product, std::string_view region) {
  if (!is_label(region)) return fail(Error::bad_argument);
  return join(product.str(), kProductMiddle, region, kCloud);
}

Result<HostName> host_of_instance(std::string_view instance_id) {
  if (!is_label(instance_id)) return fail(Error::bad_argument);
  return join(instance_id, kInstanceEnd, {}, {});
}

Host parse_host(std::string_view host) {
  Host made;
  made.name = host.substr(0, host.find(':'));
  if (!made.name.ends_with(kCloud)) return made;
  const std::string_view front = made.name.substr(0, made.name.size() - kCloud.size());
  if (made.name.ends_with(kInstanceEnd)) {
    made.kind = HostKind::instance;
    made.instance = made.name.substr(0, made.name.size() - kInstanceEnd.size());
  } else if (const std::size_t middle = front.find(kProductMiddle); middle != std::string_view::npos) {
    made.kind = HostKind::product;
    made.product = front.substr(0, middle);
    made.region = front.substr(middle + kProductMiddle.size());
  } else if (const std::size_t itls = front.find(".itls."); itls != std::string_view::npos) {
    made.product = front.substr(0, itls);
    made.region = front.substr(itls + 6);
    made.kind = made.product == "x509" ? HostKind::x509 : HostKind::itls;
    if (made.kind == HostKind::x509) made.product = {};
  }
  return made;
}

}  // namespace tercet::auth
