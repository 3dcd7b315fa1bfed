#pragma once
// What a user would fill in, for the examples in a test. None of it opens anything.
#define PRODUCT_KEY "a1B2c3D4e5F"
#define DEVICE_NAME "sensor_01"
#define DEVICE_SECRET "0123456789abcdef0123456789abcdef"  // not-a-secret
#define WIFI_NAME "lab"
#define WIFI_PASSWORD "not a real one"
#define PLATFORM_HOST "platform.example"
#define PLATFORM_ROOT ""
