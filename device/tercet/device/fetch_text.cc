#include "tercet/base/words.h"
#include "tercet/device/fetch.h"

// The texts a person reads when a file could not be fetched.
namespace tercet::device {
namespace {

/// In the order of the enumerators.
constexpr std::string_view kNames =
    "none bad_url no_memory dns unreachable tls stalled cut_off bad_answer unsupported redirect denied not_found range "
    "busy refused too_large wrong_size sink cancelled";
static_assert(nth_word(kNames, kFetchFaults - 1) == "cancelled");
static_assert(static_cast<std::size_t>(FetchFault::cancelled) == kFetchFaults - 1);

#ifndef TERCET_NO_REMEDY_TEXT
struct Text {
  std::string_view explain_en, remedy_en, explain_zh, remedy_zh;
};

/// In the order of the enumerators.
constexpr Text kTexts[] = {
    {},
    {"The address of the file cannot be used.",
     "It has to be https:// or http://, a host, and not longer than the board's buffer.", "文件地址无法使用。",
     "地址必须以 https:// 或 http:// 开头，含主机名，且不超过设备缓冲区。"},
    {"There is no memory for one more connection.",
     "Free heap (a TLS session takes about 31 KB on an ESP32), or take the file over the MQTT session.",
     "内存不足，无法再建立一个连接。", "释放堆内存（ESP32 上一个 TLS 会话约需 31 KB），或通过 MQTT 会话下载。"},
    {"The host name of the file's address could not be resolved.",
     "Check the platform's setting for the address boards fetch from, and the network's DNS server.",
     "文件地址中的域名无法解析。", "检查平台中供设备下载的地址设置，以及网络的 DNS 服务器。"},
    {"Nobody answers at the file's address.",
     "Check host and port in the address, and whether a firewall lets boards reach that port.", "文件地址没有应答。",
     "检查地址中的主机和端口，以及防火墙是否放行该端口。"},
    {"The TLS connection to the file server failed.",
     "The certificate must carry the host of the address and end in a root this board trusts; check the board's clock.",
     "与文件服务器的 TLS 连接失败。", "证书须包含地址中的主机名，并由设备信任的根证书签发；同时检查设备时钟。"},
    {"The file server stopped sending.", "Nothing to change: it is tried again from where it stopped.",
     "文件服务器停止发送数据。", "无需修改：会从中断处重试。"},
    {"The connection ended before the file did.", "Nothing to change: it is tried again from where it stopped.",
     "文件尚未传完，连接已中断。", "无需修改：会从中断处重试。"},
    {"The answer is not HTTP, or contradicts itself.",
     "The port may belong to another service, or a portal of the network answers: open the address in a browser.",
     "应答不是 HTTP，或内容自相矛盾。", "该端口可能属于其他服务，或网络的认证页面在应答：用浏览器打开该地址查看。"},
    {"The server sends the file in a way the board does not take (chunked, compressed, or without its length).",
     "Serve it with Content-Length and without compression.", "服务器的传输方式设备不支持（分块、压缩或没有长度）。",
     "请带 Content-Length 发送，且不要压缩。"},
    {"The server says that the file is elsewhere; boards do not follow.", "Give boards the final address.",
     "服务器要求跳转，设备不会跟随。", "请给设备最终地址。"},
    {"The server denies the file; the signed address has probably expired.",
     "Ask for a new address: the board does so by itself when it asks again. Check that the clocks agree.",
     "服务器拒绝提供文件；签名地址可能已过期。", "重新获取地址（设备再次请求时会自动获取），并检查时钟是否一致。"},
    {"There is no such file on the server.", "It was deleted or replaced meanwhile: ask for a new address.",
     "服务器上没有该文件。", "文件已被删除或替换：请重新获取地址。"},
    {"The file on the server ends before the place to go on from.", "Begin anew: it is another file now.",
     "服务器上的文件比断点还短。", "请从头下载：文件已更换。"},
    {"The server cannot serve the file now.", "Nothing to change: try again later.", "服务器暂时无法提供文件。",
     "无需修改：稍后重试。"},
    {"The server refused the request.", "Look at the HTTP status and at the server's log.", "服务器拒绝了请求。",
     "请查看 HTTP 状态码和服务器日志。"},
    {"The file is larger than the board takes.", "Make it smaller, or give the board more room.",
     "文件超过设备允许的大小。", "请缩小文件，或为设备留出更多空间。"},
    {"The file has another size than was announced.", "It was replaced meanwhile: ask for a new address.",
     "文件大小与通知的不一致。", "文件已被替换：请重新获取地址。"},
    {"The board could not keep what came.", "Look at the error beside this: storage may be full or worn.",
     "设备无法保存收到的数据。", "请查看附带的错误：存储可能已满或损坏。"},
    {"The fetch was cancelled.", "Nothing to change.", "下载已取消。", "无需修改。"},
};
static_assert(std::size(kTexts) == kFetchFaults);
#endif

}  // namespace

std::string_view name(FetchFault fault) { return nth_word(kNames, static_cast<std::size_t>(fault)); }

bool may_pass(FetchFault fault) {
  switch (fault) {
    case FetchFault::no_memory:
    case FetchFault::dns:
    case FetchFault::unreachable:
    case FetchFault::tls:
    case FetchFault::stalled:
    case FetchFault::cut_off:
    case FetchFault::busy:
      return true;
    default:
      return false;
  }
}

#ifndef TERCET_NO_REMEDY_TEXT
std::string_view explain(FetchFault fault, Language language) {
  const Text& text = kTexts[static_cast<std::size_t>(fault)];
  return language == Language::chinese ? text.explain_zh : text.explain_en;
}

std::string_view remedy(FetchFault fault, Language language) {
  const Text& text = kTexts[static_cast<std::size_t>(fault)];
  return language == Language::chinese ? text.remedy_zh : text.remedy_en;
}
#else
std::string_view explain(FetchFault, Language) { return {}; }
std::string_view remedy(FetchFault, Language) { return {}; }
#endif

}  // namespace tercet::device
