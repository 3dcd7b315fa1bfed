#include "setup/page.h"

namespace tercet::setup {
namespace {

#define TERCET_PAGE_HEAD                                                                                \
  "<!doctype html><html><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"    \
  "<title>Tercet</title><style>body{font:16px sans-serif;max-width:26em;margin:1em auto;padding:0 1em}" \
  "label{display:block;margin:.8em 0}input{width:100%;font:inherit;padding:.4em;box-sizing:border-box}" \
  "button{font:inherit;padding:.6em 2em}small{color:#666}</style></head><body>"

constexpr std::string_view kPage = TERCET_PAGE_HEAD
    "<h1>设置 · Set-up</h1><p>留空的项保持不变。 Fields left empty stay as they are.</p>"
    "<p><small>填写了 Wi-Fi 名称而密码留空：按无密码的开放网络连接，原密码删除。 A Wi-Fi network given without a "
    "password is an open one: the old password is removed.</small></p><form method=post action=/>"
    "<label>Wi-Fi 名称 · network<input name=wifi_ssid maxlength=32 autocomplete=off></label>"
    "<label>Wi-Fi 密码 · password<input name=wifi_pass type=password maxlength=64></label>"
    "<details><summary>设备三元组与平台 · device and platform</summary>"
    "<label>ProductKey<input name=pk maxlength=20 autocomplete=off></label>"
    "<label>DeviceName<input name=dn maxlength=32 autocomplete=off></label>"
    "<label>DeviceSecret<input name=ds type=password maxlength=64></label>"
    "<label>平台地址 · host<input name=host maxlength=128 autocomplete=off></label>"
    "<label>端口 · port<input name=port maxlength=5 placeholder=8883 inputmode=numeric></label>"
    "<label>证书公钥 · server key<input name=ca maxlength=75 placeholder='pin-sha256:…' autocomplete=off></label>"
    "</details><p><button>保存 · Save</button></p></form></body></html>";

constexpr std::string_view kDone = TERCET_PAGE_HEAD
    "<h1>已保存 · Saved</h1><p>设备正在重启并联网，本网络即将关闭。 The board starts again and joins the network; this "
    "one "
    "closes.</p></body></html>";

constexpr std::string_view kRefused = TERCET_PAGE_HEAD
    "<h1>有误 · Not saved</h1><p>密码需 8 到 63 个字符；端口为 1 到 65535 的数字；其他项请核对是否完整粘贴。 A Wi-Fi "
    "password "
    "has 8 to 63 characters, a port is a number from 1 to 65535; check that the others were pasted whole.</p>"
    "<p><a href=/>返回 · back</a></p></body></html>";
#undef TERCET_PAGE_HEAD

}  // namespace

std::string_view page() { return kPage; }
std::string_view page_done() { return kDone; }
std::string_view page_refused() { return kRefused; }

}  // namespace tercet::setup
