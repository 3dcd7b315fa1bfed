#pragma once
// clang-format off
/// The codes of the HTTPS channel (device-protocol 10.1) besides 0, once: name, number, message, cause and remedy in English
/// and Chinese. `HttpCode` and message_of() are made of it, and so is the error book (docs/errors.md).
#define TERCET_HTTP_CODES(ROW) \
  ROW(common_error, 10000, "common error", "The platform could not take the request at this moment.", "平台此刻无法处理请求。", "Try again after a pause; the server's log says why.", "稍后再试；原因见服务器日志。") \
  ROW(param_error, 10001, "param error", "A header, the body or the topic of the request is not as wanted.", "请求头、正文或 Topic 不符合要求。", "POST with Content-Type application/octet-stream (application/json for /auth), and a topic after /topic.", "用 POST，Content-Type 为 application/octet-stream（/auth 用 application/json），Topic 写在 /topic 之后。") \
  ROW(auth_check_error, 20000, "auth check error", "The signature, the names or the time sent to /auth were not accepted.", "发送到 /auth 的签名、名称或时间未通过。", "Sign clientId, deviceName, productKey and timestamp with the DeviceSecret; the journal says what differs.", "用 DeviceSecret 对 clientId、deviceName、productKey、timestamp 签名；拒绝日志会指出差异。") \
  ROW(token_expired, 20001, "token is expired", "The token is older than seven days, or its secret was replaced.", "token 已超过七天，或密钥已更换。", "Ask /auth for a new one and send the request again.", "向 /auth 取新 token 后重发。") \
  ROW(token_null, 20002, "token is null", "The request has no token.", "请求没有带 token。", "Send the token of /auth in the header password.", "把 /auth 返回的 token 放在 password 请求头里。") \
  ROW(token_check_error, 20003, "check token error", "The token is none of this platform, or was damaged on the way.", "token 不是本平台签发的，或已损坏。", "Ask /auth for a new one and send it whole (up to 192 characters).", "向 /auth 取新 token，并完整发送（最长 192 个字符）。") \
  ROW(publish_error, 30001, "publish message error", "The message was refused: the topic is not the device's, or the payload was not kept.", "消息被拒绝：Topic 不属于该设备，或内容未能保存。", "Publish on topics of this device only; the journal says which rule was broken.", "只向本设备的 Topic 发布；拒绝日志会写明原因。") \
  ROW(too_many, 40000, "request too many", "The device sends requests faster than allowed.", "设备请求过于频繁。", "Wait before the next one; keep the token instead of asking /auth each time.", "稍候再发；保存 token，不要每次都请求 /auth。")
// clang-format on
