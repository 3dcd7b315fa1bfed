#include "tercet/edge/problem.h"

namespace tercet::edge {
namespace {

struct Text {
  std::string_view name;
#ifndef TERCET_NO_REMEDY_TEXT
  std::string_view explain_en, remedy_en, explain_zh, remedy_zh;
#endif
};

#ifndef TERCET_NO_REMEDY_TEXT
#define TERCET_FAULT(id, ...) \
  { id, __VA_ARGS__ }
#else
#define TERCET_FAULT(id, ...) \
  { id }
#endif

/// In the order of Fault.
constexpr Text kTexts[] = {
    TERCET_FAULT("none", "nothing is wrong", "", "没有问题", ""),
    TERCET_FAULT("not_json", "the text is not JSON", "mend the JSON at this place", "文本不是合法的 JSON",
                 "修正此处的 JSON"),
    TERCET_FAULT("too_large", "the text is longer than this board keeps", "remove rules or notes",
                 "文本超过设备可保存的长度", "删减规则或备注"),
    TERCET_FAULT("not_an_object", "an object was expected", "write {...}", "此处应为对象", "请写成 {...}"),
    TERCET_FAULT("unknown_member", "no such member is known here", "remove it or correct its spelling",
                 "此处没有这个成员", "删除它或改正拼写"),
    TERCET_FAULT("repeated_member", "the member is there twice", "keep one of them", "成员重复", "只保留一个"),
    TERCET_FAULT("missing_member", "a member is missing", "add it", "缺少成员", "请补上"),
    TERCET_FAULT("format_version", "this format is not understood", "write \"format\": 1, or update the firmware",
                 "不支持该格式版本", "写 \"format\": 1，或升级固件"),
    TERCET_FAULT("set_version", "the version is no whole number from 1 to 2147483647", "count up from 1",
                 "版本号不是 1 到 2147483647 的整数", "从 1 开始递增"),
    TERCET_FAULT("older_version", "the version is lower than the running one", "raise \"version\"",
                 "版本号低于正在运行的版本", "提高 \"version\""),
    TERCET_FAULT("version_in_use", "the running set has this version and another text", "raise \"version\"",
                 "正在运行的规则使用同一版本号但内容不同", "提高 \"version\""),
    TERCET_FAULT("version_failed", "this version was rolled back before", "mend the rules and raise \"version\"",
                 "该版本曾被回滚", "修正规则并提高 \"version\""),
    TERCET_FAULT("version_differs", "the text has another version than announced", "announce the version of the text",
                 "文本中的版本号与下发的不一致", "两处使用相同的版本号"),
    TERCET_FAULT("no_room", "the board has no room for so many",
                 "use fewer rules, conditions, actions or shorter names", "设备放不下这么多",
                 "减少规则、条件、动作或缩短名称"),
    TERCET_FAULT("bad_name", "a rule's name is 1 to 32 letters, digits, _ or -", "choose another name",
                 "规则名应为 1 到 32 个字母、数字、_ 或 -", "换一个名称"),
    TERCET_FAULT("repeated_name", "two rules have this name", "choose another name", "规则名重复", "换一个名称"),
    TERCET_FAULT("bad_number", "the number is missing, not whole, or out of its range",
                 "see the table in edge-rules.md", "不是数字、不是整数或超出范围", "参见 edge-rules.md 中的表"),
    TERCET_FAULT("bad_text", "a text was expected", "write it in double quotes", "此处应为文本", "请用双引号"),
    TERCET_FAULT("not_a_list", "a list was expected", "write [...]", "此处应为列表", "请写成 [...]"),
    TERCET_FAULT("too_many", "more than 8 in one list", "split the rule", "列表超过 8 项", "拆分规则"),
    TERCET_FAULT("empty_list", "the list is empty", "put something in it", "列表为空", "至少写一项"),
    TERCET_FAULT("unknown_property", "the thing model has no such property", "correct its spelling",
                 "物模型中没有这个属性", "改正拼写"),
    TERCET_FAULT("property_type", "a text, date, struct or array cannot be used in a rule",
                 "use a number, an enumeration or a boolean", "文本、时间、结构体和数组不能用于规则",
                 "使用数值、枚举或布尔属性"),
    TERCET_FAULT("unknown_operator", "no such comparison", "use > >= < <= == != or between", "没有这种比较",
                 "使用 > >= < <= == != 或 between"),
    TERCET_FAULT("operator_type", "this comparison does not suit the property",
                 "a boolean takes == and !=, and no rate", "该比较不适用于此属性",
                 "布尔属性只能用 == 和 !=，且不能求变化率"),
    TERCET_FAULT("bad_value", "the value does not suit property and comparison",
                 "write a number, true or false; two numbers, the smaller first, for between; or a property",
                 "取值与属性或比较方式不符", "写数字、true 或 false；between 写两个数，小的在前；或写另一个属性"),
    TERCET_FAULT("value_out_of_range", "the property can never have this value", "keep to the range of the thing model",
                 "属性不可能取到该值", "请在物模型规定的范围内取值"),
    TERCET_FAULT("hysteresis_unused", "== and != have no hysteresis", "remove it", "== 和 != 没有回差",
                 "删除 hysteresis"),
    TERCET_FAULT("bad_rate", "a rate is per second or minute and needs \"over\"",
                 "write \"rate\": \"minute\", \"over\": 120", "变化率须为每秒或每分钟，并给出 \"over\"",
                 "写 \"rate\": \"minute\", \"over\": 120"),
    TERCET_FAULT("unknown_action", "an action is a set, a call or an event", "write one of the three in each action",
                 "动作只能是 set、call 或 event", "每个动作写其中之一"),
    TERCET_FAULT("not_settable", "the property is read only", "set one with access rw", "该属性只读",
                 "设置访问方式为 rw 的属性"),
    TERCET_FAULT("unknown_handler", "the firmware has no such function", "correct its spelling, or update the firmware",
                 "固件中没有这个函数", "改正拼写或升级固件"),
    TERCET_FAULT("unknown_event", "the thing model has no such event", "correct its spelling", "物模型中没有这个事件",
                 "改正拼写"),
    TERCET_FAULT("unknown_output", "the event has no such output", "correct its spelling", "事件没有这个输出参数",
                 "改正拼写"),
    TERCET_FAULT("output_type", "the property's type is not that of the output", "choose a property of the same type",
                 "属性类型与输出参数不一致", "选择类型相同的属性"),
    TERCET_FAULT("over_budget", "a rule has more actions than the budget allows in a minute", "raise \"budget\"",
                 "单条规则的动作数超过每分钟预算", "提高 \"budget\""),
    TERCET_FAULT("busy", "rules cannot be replaced from inside an action", "offer them later", "不能在动作中替换规则",
                 "稍后再试"),
    TERCET_FAULT("store_failed", "the rules could not be kept", "free room in the board's store", "规则无法保存",
                 "清理设备存储空间"),
};
static_assert(std::size(kTexts) == kFaults);

const Text& text_of(Fault fault) { return kTexts[static_cast<std::size_t>(fault)]; }

}  // namespace

std::string_view name(Fault fault) { return text_of(fault).name; }

#ifndef TERCET_NO_REMEDY_TEXT
std::string_view explain(Fault fault, Language language) {
  return language == Language::chinese ? text_of(fault).explain_zh : text_of(fault).explain_en;
}
std::string_view remedy(Fault fault, Language language) {
  return language == Language::chinese ? text_of(fault).remedy_zh : text_of(fault).remedy_en;
}
#else
std::string_view explain(Fault, Language) { return {}; }
std::string_view remedy(Fault, Language) { return {}; }
#endif

void write_problem(Writer& out, const Problem& problem, Language language) {
  const bool chinese = language == Language::chinese;
  if (problem.line != 0) {
    out.text(chinese ? "第 " : "line "), out.decimal(std::uint64_t{problem.line});
    out.text(chinese ? " 行第 " : ", column "), out.decimal(std::uint64_t{problem.column});
    out.text(chinese ? " 列：" : ": ");
  }
  if (!problem.subject.empty()) out.text(problem.subject), out.text(chinese ? "：" : ": ");
  const auto explanation = explain(problem.fault, language), advice = remedy(problem.fault, language);
  out.text(explanation.empty() ? name(problem.fault) : explanation);
  if (advice.empty()) return;
  out.text(chinese ? "（" : " ("), out.text(advice), out.text(chinese ? "）" : ")");
}

}  // namespace tercet::edge
