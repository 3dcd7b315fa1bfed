#include "setup/host.h"

#include <algorithm>

namespace tercet::setup {
namespace {

/// What makers of telephones, computers and browsers ask for to learn whether a network wants a page to be opened.
constexpr std::string_view kPortals[] = {
    "connectivitycheck.gstatic.com",
    "connectivitycheck.android.com",
    "clients3.google.com",
    "www.google.com",
    "play.googleapis.com",
    "captive.apple.com",
    "www.apple.com",
    "www.msftconnecttest.com",
    "ipv6.msftconnecttest.com",
    "www.msftncsi.com",
    "detectportal.firefox.com",
    "connectivitycheck.platform.hicloud.com",
    "connectivitycheck.cbg-app.huawei.com",
    "connect.rom.miui.com",
    "conn1.oppomobile.com",
    "conn2.oppomobile.com",
    "conn1.coloros.com",
    "conn2.coloros.com",
    "wifi.vivo.com.cn",
    "connectivity.samsung.com.cn",
    "connectivity-check.ubuntu.com",
    "nmcheck.gnome.org",
    "networkcheck.kde.org",
    "spectrum.s3.amazonaws.com",
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same(std::string_view said, std::string_view name) {
  return std::equal(said.begin(), said.end(), name.begin(), name.end(), [](char a, char b) { return lower(a) == b; });
}

}  // namespace

Host host_of(std::string_view header, std::string_view address) {
  const std::size_t colon = header.find(':');
  if (colon != std::string_view::npos && header.substr(colon) != ":80") return Host::other;
  const std::string_view name = header.substr(0, colon);
  if (!name.empty() && name == address) return Host::own;
  const bool is_portal = std::any_of(std::begin(kPortals), std::end(kPortals),
                                     [&](std::string_view known) { return is_same(name, known); });
  return is_portal ? Host::portal : Host::other;
}

}  // namespace tercet::setup
