#include "cli/board_plan.h"

#include <algorithm>
#include <charconv>

#include "tercet/crypto/encoding.h"

namespace tercet::cli {
namespace {

/// HOST:PORT; a host with colons (IPv6) in brackets.
bool read_other(const BoardOptions& options, Plan& plan, std::string& problem) {
  if (options.other.empty()) return true;
  const auto colon = options.other.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : options.other.substr(colon + 1);
  const auto* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, plan.other_port);
  plan.other_host = options.other.substr(0, std::min(colon, options.other.size()));
  if (plan.other_host.starts_with('[') && plan.other_host.ends_with(']'))
    plan.other_host = plan.other_host.substr(1, plan.other_host.size() - 2);
  if (parsed.ec == std::errc() && parsed.ptr == end && plan.other_port != 0 && !plan.other_host.empty()) return true;
  problem = "--other wants HOST:PORT, as in 192.0.2.7:8883";
  return false;
}

}  // namespace

bool read_way(const BoardOptions& options, const posix::TripleFile* triple, Plan& plan, std::string& problem) {
  plan.host = !options.host.empty()                        ? options.host
              : triple != nullptr && !triple->host.empty() ? triple->host
                                                           : "localhost";
  if (options.plain && options.psk) {
    problem = "--plain and --psk exclude each other";
    return false;
  }
  if (options.certificate.empty() != options.key.empty()) {
    problem = "--cert and --key go together";
    return false;
  }
  if (!options.certificate.empty() && (options.plain || options.psk)) {
    problem = "--cert needs TLS with certificates: leave out --plain and --psk";
    return false;
  }
  plan.trust.certificate = options.certificate;
  plan.trust.key = options.key;
  plan.port = options.port;
  if (plan.port == 0 && triple != nullptr) plan.port = triple->port.value_or(0);
  if (plan.port == 0) plan.port = options.plain || options.psk ? 1883 : 8883;
  if (!read_other(options, plan, problem)) return false;
  const std::string ca = !options.ca_file.empty() || triple == nullptr ? options.ca_file : triple->ca;
  if (!ca.empty()) plan.trust.files.push_back(ca);
  if (!options.pin.empty()) {
    std::array<std::uint8_t, 32> pin{};
    const auto bytes = crypto::decode_hex(options.pin, pin);
    if (!bytes || bytes->size() != pin.size()) {
      problem = "--pin wants 64 hexadecimal digits";
      return false;
    }
    plan.trust.pins.push_back(pin);
  }
  plan.trust.system = plan.trust.files.empty() && plan.trust.pins.empty();
  return true;
}

bool make_plan(const BoardOptions& options, Plan& plan, std::string& problem) {
  const auto triple = posix::read_triple_file(options.triple_file, problem);
  if (!triple) return false;
  plan.id = triple->id;
  return read_way(options, &*triple, plan, problem);
}

int exit_code_of(device::Rung rung, Error error) {
  if (error == Error::clock_unset) return 10;
  constexpr int kCodes[device::kRungs] = {10, 10, 11, 12, 13, 14, 15, 16};
  return kCodes[static_cast<std::size_t>(rung)];
}

}  // namespace tercet::cli
