#pragma once
// clang-format off
/// The error codes of a shadow's replies, once: name, number, text of the reply, cause and remedy in English and Chinese.
/// `ShadowError` and its text() are made of it, and so is the error book (docs/errors.md).
#define TERCET_SHADOW_ERRORS(ROW) \
  ROW(malformed, 400, "incorrect json format", "The request is no JSON object, nests too deeply or is larger than 16 KB.", "请求不是 JSON 对象、嵌套过深或超过 16 KB。", "Print what is sent and check it with a JSON reader.", "打印发送内容，用 JSON 工具检查。") \
  ROW(no_method, 401, "the json misses the field method", "The request does not say what it wants.", "请求没有 method。", "Add method: update, get or delete.", "加上 method：update、get 或 delete。") \
  ROW(no_state, 402, "the json misses the field state", "An update or delete has no state.", "update 或 delete 没有 state。", "Put the values into state.reported.", "把值放进 state.reported。") \
  ROW(bad_version, 403, "the field version is not a number", "The version is missing or no whole number.", "version 缺失或不是整数。", "Send the version of the document plus one, or -1 to begin anew.", "发送当前文档版本加一，或用 -1 重新开始。") \
  ROW(no_reported, 404, "the json misses the field reported", "The state of a device's update has no reported.", "设备的 state 中没有 reported。", "Put what the device reports into state.reported.", "把设备上报的值放进 state.reported。") \
  ROW(empty_reported, 405, "the field reported is empty", "Reported has no member.", "reported 没有任何成员。", "Report one value at least; null takes all of them away.", "至少上报一个值；用 null 可清空全部。") \
  ROW(unknown_method, 406, "invalid method: update, get or delete", "The method is none of the three.", "method 不是这三者之一。", "Use update, get or delete.", "使用 update、get 或 delete。") \
  ROW(empty_state, 407, "the json has no content", "The state changes nothing.", "state 没有内容。", "Send at least one attribute.", "至少发送一个属性。") \
  ROW(too_many_attributes, 408, "more than 128 attributes", "The document would have more than 128 attributes.", "文档的属性将超过 128 个。", "Delete attributes that are not used any more.", "删除不再使用的属性。") \
  ROW(version_conflict, 409, "version conflict", "Somebody else changed the document first: the version is not above the stored one.", "别处先改了文档：version 不大于已保存的版本。", "Get the document, and update with its version plus one.", "先 get 文档，再用其版本加一更新。") \
  ROW(too_many_requests, 429, "more than 20 requests a second", "The device asks faster than its shadow is answered.", "设备请求影子过于频繁。", "Leave pauses, and put several values into one update.", "降低频率，把多个值合并到一次更新。") \
  ROW(failed, 500, "server exception", "The document could not be stored.", "文档未能保存。", "Send again after a pause; the server's log says why.", "稍后重发；原因见服务器日志。")
// clang-format on
