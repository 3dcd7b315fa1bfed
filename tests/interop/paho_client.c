/* Paho's C client, as Debian ships it, as one board. Arguments: uri ca clientId user password postTopic replyTopic payload.
 * Exit 0 once the reply has come; its payload is printed. */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  if (argc != 9) return 2;
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
  int code = MQTTClient_connect(client, &options);
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
