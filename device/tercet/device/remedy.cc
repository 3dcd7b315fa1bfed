#include "tercet/device/ladder.h"

// The texts a person reads when a rung breaks. A row without error is the rung's answer to any other error.
namespace tercet::device {

#ifndef TERCET_NO_REMEDY_TEXT
namespace {

struct Text {
  Rung rung;
  std::optional<Error> error;
  std::string_view explain_en, remedy_en, explain_zh, remedy_zh;
};

constexpr Text kTexts[] = {
    {Rung::link, std::nullopt, "The board has no network link.",
     "Check Wi-Fi name, password and signal (2.4 GHz only on ESP32), or plug the cable in.", "设备没有连上网络。",
     "检查 Wi-Fi 名称、密码和信号（ESP32 只支持 2.4 GHz），或插好网线。"},
    {Rung::address, std::nullopt, "The link is up but there is no IP address.",
     "Check that DHCP is on in the router, or give the board a fixed address.", "网络已连接，但没有获得 IP 地址。",
     "检查路由器的 DHCP 是否开启，或为设备设置固定地址。"},
    {Rung::dns, Error::dns_failed, "The host name could not be resolved.",
     "Check the spelling of the host, and that the network's DNS server answers; an IP address works without DNS.",
     "域名无法解析。", "检查主机名拼写和网络的 DNS 服务器；也可以直接填写 IP 地址。"},
    {Rung::dns, Error::timed_out, "The name server did not answer in time.",
     "Check the network's DNS server, or use an IP address as host.", "DNS 服务器没有及时应答。",
     "检查网络的 DNS 服务器，或直接用 IP 地址作为主机。"},
    {Rung::tcp, Error::connect_refused, "The host is there, but nothing listens on this port.",
     "Check the port (8883 for TLS, 1883 otherwise) and that the platform is running.", "主机可达，但该端口没有服务。",
     "检查端口（TLS 为 8883，其他为 1883）以及平台是否已启动。"},
    {Rung::tcp, Error::timed_out, "The host did not answer.",
     "Check address and port; a firewall on the way may drop port 8883 or 1883: try port 443.", "主机没有应答。",
     "检查地址和端口；途中的防火墙可能拦截了 8883 或 1883，可以试试 443。"},
    {Rung::tcp, Error::io_failed, "There is no way to this address from here.",
     "Check the board's gateway and network mask, and the address.", "无法到达该地址。",
     "检查设备的网关、子网掩码和目标地址。"},
    {Rung::tls, Error::tls_untrusted, "The server's certificate does not end in a root this board trusts.",
     "Install the root of this platform (its ca.pem), or the vendor's current root; check you reached the right host.",
     "服务器证书不是由设备信任的根证书签发的。",
     "安装该平台的根证书（ca.pem）或厂商最新的根证书；确认连接的主机无误。"},
    {Rung::tls, Error::denied, "The platform does not have this board's pre-shared key.",
     "Check the triple: the key follows from ProductKey, DeviceName and DeviceSecret. The platform's refusal log names "
     "the mistake.",
     "平台没有该设备的预共享密钥。",
     "检查三元组：密钥由 ProductKey、DeviceName 和 DeviceSecret 计算得出。平台的拒绝日志会指出错误。"},
    {Rung::tls, Error::tls_expired, "A certificate has expired, or is not valid yet by this board's clock.",
     "Check the board's clock first; if it is right, the server needs a new certificate or the board a newer root.",
     "证书已过期，或按设备时钟尚未生效。", "先检查设备时钟；若时钟正确，则服务器需更换证书，或设备需更新根证书。"},
    {Rung::tls, Error::tls_wrong_host, "The certificate was issued for another host name.",
     "Connect by a name the certificate carries, or issue one that carries this host.", "证书签发给了另一个主机名。",
     "使用证书中包含的主机名连接，或重新签发包含该主机名的证书。"},
    {Rung::tls, Error::clock_unset, "The clock is older than this program; TLS was not started.",
     "Allow UDP port 123 to a time server, name a reachable one in the options, or set the system clock.",
     "时钟早于程序编译时间，未启动 TLS。", "放行 UDP 123 端口，在选项中配置可达的时间服务器，或手动校准系统时间。"},
    {Rung::tls, Error::closed, "The server hung up during the TLS handshake.",
     "The port may speak plain MQTT: use 8883, or the plain mode on 1883; or both sides share no TLS version.",
     "服务器在 TLS 握手时断开了连接。",
     "该端口可能只支持明文 MQTT：请用 8883，或在 1883 上使用明文；也可能双方没有共同的 TLS 版本。"},
    {Rung::tls, Error::timed_out, "The TLS handshake did not finish in time.",
     "The port may not speak TLS, or the network loses most packets.", "TLS 握手超时。",
     "该端口可能不支持 TLS，或网络丢包严重。"},
    {Rung::tls, Error::bad_argument, "No root certificate could be read.",
     "Check the path of the CA file and that it is PEM (-----BEGIN CERTIFICATE-----), complete and unchanged.",
     "无法读取根证书。", "检查 CA 文件路径，并确认是完整的 PEM 格式（-----BEGIN CERTIFICATE-----）。"},
    {Rung::tls, std::nullopt, "The TLS handshake failed.",
     "Look at the detail beside this line; the server's log has the other half.", "TLS 握手失败。",
     "请看旁边的详细信息；服务器日志里有另一半原因。"},
    {Rung::connect, Error::refused_protocol, "The platform does not speak this MQTT version.", "Use MQTT 3.1.1.",
     "平台不支持该 MQTT 版本。", "请使用 MQTT 3.1.1。"},
    {Rung::connect, Error::refused_client_id, "The platform refuses the client id or the keep-alive.",
     "Keep-alive must be 30 to 1200 s; the client id needs both bars: id|securemode=2,signmethod=hmacsha256|.",
     "平台拒绝了 clientId 或心跳时间。",
     "心跳应为 30 到 1200 秒；clientId 需要两个竖线：id|securemode=2,signmethod=hmacsha256|。"},
    {Rung::connect, Error::refused_unavailable, "The platform is busy or shutting down.",
     "Nothing to change: the board tries again by itself.", "平台繁忙或正在关闭。", "无需修改：设备会自动重试。"},
    {Rung::connect, Error::refused_credentials, "User name or password is wrong.",
     "Check the triple: no blank or line end behind it, the DeviceSecret not the ProductSecret, this host's product. "
     "The platform's refusal log names the mistake.",
     "用户名或密码错误。",
     "检查三元组：末尾没有空格或换行，使用的是 DeviceSecret 而不是 "
     "ProductSecret，产品属于该主机。平台的拒绝日志会指出具体错误。"},
    {Rung::connect, Error::refused_not_authorized, "The device is known but may not connect.",
     "Enable the device in the console; plain TCP may be forbidden: use TLS.", "设备存在但不允许连接。",
     "在控制台启用该设备；平台可能禁止明文 TCP，请使用 TLS。"},
    {Rung::connect, Error::closed, "The platform closed the connection before answering the login.",
     "Another board may use the same triple, TLS may be required on this port, or logins came too fast (5 a minute).",
     "平台在应答登录前关闭了连接。",
     "可能有另一块板使用同一三元组，该端口可能要求 TLS，或登录过于频繁（每分钟 5 次）。"},
    {Rung::connect, Error::timed_out, "The platform did not answer the login.",
     "The port may belong to another service; TLS may be required on it.", "平台没有应答登录。",
     "该端口可能属于其他服务，或要求使用 TLS。"},
    {Rung::connect, Error::not_found, "This board has no DeviceSecret.",
     "Provision it: write the triple file, or the secret into encrypted NVS.", "设备中没有 DeviceSecret。",
     "请先烧录：写入三元组文件，或写入加密的 NVS。"},
    {Rung::connect, Error::denied, "The DeviceSecret can be read by others, so it was not used.",
     "Make the triple file private: chmod 600.", "DeviceSecret 可被他人读取，因此没有使用。",
     "请收紧三元组文件权限：chmod 600。"},
    {Rung::suback, Error::denied, "The platform refused a subscription.",
     "A board may subscribe to topics with its own ProductKey and DeviceName only.", "平台拒绝了订阅。",
     "设备只能订阅包含自己 ProductKey 和 DeviceName 的主题。"},
    {Rung::suback, std::nullopt, "The subscriptions were not confirmed.",
     "The connection broke after login: another board with the same triple is the usual cause.", "订阅没有得到确认。",
     "登录后连接中断：最常见的原因是另一块板使用了同一三元组。"},
    {Rung::reply, Error::timed_out, "The platform took the post but did not answer it.",
     "Check that the product has a thing model with these identifiers, and the platform's log.",
     "平台收到上报但没有应答。", "检查产品物模型中是否有这些标识符，并查看平台日志。"},
    {Rung::reply, Error::closed, "The platform closed the connection.",
     "If it happens every time, another board uses the same triple, or the device was disabled.", "平台关闭了连接。",
     "若反复出现，说明另一块板使用同一三元组，或设备已被禁用。"},
    {Rung::reply, std::nullopt, "The connection broke.", "Nothing to change: the board connects again by itself.",
     "连接中断。", "无需修改：设备会自动重连。"},
    {Rung::tcp, std::nullopt, "The connection could not be made.", "Check address and port.", "无法建立连接。",
     "检查地址和端口。"},
    {Rung::connect, std::nullopt, "The login failed.", "Look at the platform's refusal log.", "登录失败。",
     "请查看平台的拒绝日志。"},
    {Rung::dns, std::nullopt, "The host name could not be resolved.", "Check host and DNS server.", "域名无法解析。",
     "检查主机名和 DNS 服务器。"},
};

const Text& text_of(Rung rung, Error error) {
  const Text* general = &kTexts[0];
  for (const Text& text : kTexts) {
    if (text.rung != rung) continue;
    if (text.error == error) return text;
    if (!text.error) general = &text;
  }
  return *general;
}

}  // namespace

std::string_view explain(Rung rung, Error error, Language language) {
  const Text& text = text_of(rung, error);
  return language == Language::chinese ? text.explain_zh : text.explain_en;
}

std::string_view remedy(Rung rung, Error error, Language language) {
  const Text& text = text_of(rung, error);
  return language == Language::chinese ? text.remedy_zh : text.remedy_en;
}
#else
std::string_view explain(Rung, Error, Language) { return {}; }
std::string_view remedy(Rung, Error, Language) { return {}; }
#endif

}  // namespace tercet::device
