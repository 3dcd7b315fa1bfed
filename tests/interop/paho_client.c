/* Paho's C client, as Debian ships it, as one board.
 * Arguments: uri ca clientId user password postTopic replyTopic payload. Exit 0 once the reply has come; its payload is printed.
 * Or: uri ca clientId user password, and on standard input `subscribe FILTER` and `publish TOPIC HEX`. Prints `connect CODE`,
 * `subscribe CODE` and `message TOPIC HEX`; ends with its input. */
#define _GNU_SOURCE
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int on_message(void* context, char* topic, int topic_length, MQTTClient_message* message) {
  (void)context;
  (void)topic_length;
  const unsigned char* bytes = message->payload;
  flockfile(stdout);
  printf("message %s ", topic);
  for (int i = 0; i < message->payloadlen; ++i) printf("%02x", bytes[i]);
  printf("\n");
  fflush(stdout);
  funlockfile(stdout);
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
  return 1;
}

static size_t from_hex(const char* hex, unsigned char* bytes) {
  size_t size = 0;
  for (unsigned value; sscanf(hex + 2 * size, "%2x", &value) == 1; ++size) bytes[size] = (unsigned char)value;
  return size;
}

static int converse(MQTTClient client) {
  char* line = NULL;
  size_t room = 0;
  ssize_t length;
  while ((length = getline(&line, &room, stdin)) > 0) {
    char* save = NULL;
    const char* verb = strtok_r(line, " \n", &save);
    const char* topic = strtok_r(NULL, " \n", &save);
    if (verb == NULL || topic == NULL) return 2;
    if (strcmp(verb, "subscribe") == 0) {
      const int code = MQTTClient_subscribe(client, topic, 1);
      flockfile(stdout);
      printf("subscribe %d\n", code);
      fflush(stdout);
      funlockfile(stdout);
      continue;
    }
    const char* hex = strtok_r(NULL, " \n", &save);
    unsigned char* bytes = malloc((size_t)length + 1);
    const size_t size = hex == NULL ? 0 : from_hex(hex, bytes);
    MQTTClient_deliveryToken token;
    MQTTClient_publish(client, topic, (int)size, bytes, 1, 0, &token);
    MQTTClient_waitForCompletion(client, token, 5000);
    free(bytes);
  }
  free(line);
  MQTTClient_disconnect(client, 1000);
  MQTTClient_destroy(&client);
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 9 && argc != 6) return 2;
  MQTTClient client;
  MQTTClient_create(&client, argv[1], argv[3], MQTTCLIENT_PERSISTENCE_NONE, NULL);
  MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
  tls.trustStore = argv[2];
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  options.keepAliveInterval = 60;
  options.cleansession = 1;
  options.username = argv[4];
  options.password = argv[5];
  options.ssl = &tls;
  if (argc == 6) MQTTClient_setCallbacks(client, NULL, NULL, on_message, NULL);
  int code = MQTTClient_connect(client, &options);
  if (argc == 6) {
    printf("connect %d\n", code);
    fflush(stdout);
    return code == MQTTCLIENT_SUCCESS ? converse(client) : 1;
  }
  if (code != MQTTCLIENT_SUCCESS) {
    fprintf(stderr, "connect: %d\n", code);
    return 1;
  }
  if (MQTTClient_subscribe(client, argv[7], 1) != MQTTCLIENT_SUCCESS) return 1;
  MQTTClient_deliveryToken token;
  MQTTClient_publish(client, argv[6], (int)strlen(argv[8]), argv[8], 1, 0, &token);
  if (MQTTClient_waitForCompletion(client, token, 5000) != MQTTCLIENT_SUCCESS) return 1;
  char* topic = NULL;
  int topic_length = 0;
  MQTTClient_message* message = NULL;
  MQTTClient_receive(client, &topic, &topic_length, &message, 5000);
  if (message == NULL) return 1;
  printf("%.*s\n", message->payloadlen, (char*)message->payload);
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
  MQTTClient_disconnect(client, 1000);
  MQTTClient_destroy(&client);
  return 0;
}
