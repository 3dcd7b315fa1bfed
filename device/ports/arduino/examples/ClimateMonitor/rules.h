#pragma once
// The board's own rules, until others are delivered: docs/edge-rules.md. Here the alarm: once when it is too warm, and
// again only after it has cooled by half a degree.
constexpr char kRules[] = R"({"format": 1, "version": 1, "rules": [
  {"name": "too_warm",
   "when": {"property": "temperature", "op": ">", "value": {"property": "alarm_threshold"}, "hysteresis": 0.5},
   "enter": [{"event": "alarm", "output": {"temperature": "temperature", "alarm_threshold": "alarm_threshold"}}]}]})";
