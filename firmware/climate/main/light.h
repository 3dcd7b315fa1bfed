#pragma once

namespace tercet::firmware {

/// The state's light and the button; each may be missing (pin -1).
class Light {
 public:
  Light();
  void show(bool on);

 private:
  bool on_ = false;
};

class Button {
 public:
  Button();
  bool is_pressed() const;
};

/// There is a light or a button, so that somebody must look after them a few times a second.
bool has_light_or_button();

}  // namespace tercet::firmware
