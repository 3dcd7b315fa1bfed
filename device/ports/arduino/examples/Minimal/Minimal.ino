// The least there is: a number goes up, a light can be switched from the platform.
// Before the first build: copy secrets.h.example to secrets.h (a tab of that name) and fill it in.
#include <Tercet.h>
#include <WiFi.h>

#include "secrets.h"

TercetDevice cloud;
bool light = false;  // the property `light`: set by the platform, kept over restarts

void setup() {
  Serial.begin(115200);
  pinMode(2, OUTPUT);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);

  cloud.logTo(Serial);
  cloud.host(PLATFORM_HOST);
  cloud.trust(PLATFORM_ROOT);
  cloud.setting("light", light);
  cloud.begin(PRODUCT_KEY, DEVICE_NAME, DEVICE_SECRET);
}

void loop() {
  cloud.loop();
  digitalWrite(2, light ? HIGH : LOW);

  static unsigned long last = 0;
  if (millis() - last >= 10000) {
    last = millis();
    cloud.property("temperature", 20.0f + static_cast<float>(random(100)) / 10.0f);
  }
}
