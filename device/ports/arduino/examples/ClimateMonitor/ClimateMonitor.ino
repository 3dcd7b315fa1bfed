// Temperature and humidity to the platform: every minute and when they change, from memory and flash after an outage;
// an alarm above a threshold that the platform can set, by a rule that can be replaced; a light that says how the board
// is.
//
// Before the first build: copy secrets.h.example to secrets.h (a tab of that name) and fill it in.
// The file partitions.csv beside this sketch makes room in flash for what is measured while the network is away.
#include <Tercet.h>
#include <TercetClimate.h>
#include <TercetRules.h>
#include <WiFi.h>

#include "rules.h"
#include "secrets.h"

constexpr int kLight = 2;  // the LED of most boards

TercetDevice cloud;
TercetSht3x sensor;  // or: TercetDht22 sensor(4);  or: TercetBme280 sensor;
TercetClimate climate(cloud, sensor);
TercetRules rules(cloud, climate);

SET_LOOP_TASK_STACK_SIZE(12 * 1024);  // a TLS handshake needs about 5 KB of it

void setup() {
  Serial.begin(115200);
  pinMode(kLight, OUTPUT);
  Wire.begin();
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);

  cloud.logTo(Serial);
  cloud.host(PLATFORM_HOST);
  cloud.trust(PLATFORM_ROOT);
  cloud.begin(PRODUCT_KEY, DEVICE_NAME, DEVICE_SECRET);
  climate.begin({.report_interval_s = 60, .alarm_threshold = 35});
  rules.logTo(Serial);
  rules.begin(kRules);
}

void loop() {
  cloud.loop();
  climate.loop();
  rules.loop();
  digitalWrite(kLight, climate.light() ? HIGH : LOW);
  delay(2);
}
