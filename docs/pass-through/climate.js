// A climate board's bytes. Up: 0, number (1), temperature in hundredths (2, signed), humidity in tenths (2), two spare;
// or the answer to a command: 2, id (4), code (2). Down: 1, id (4), interval in seconds (2); or a reply: 128, number, code (2).
function rawDataToProtocol(bytes) {
  var view = new DataView(new Uint8Array(bytes).buffer);
  switch (view.getUint8(0)) {
    case 0:
      return {
        id: String(view.getUint8(1)), version: '1.0', method: 'thing.event.property.post',
        params: { temperature: view.getInt16(2) / 100, humidity: view.getUint16(4) / 10 },
      };
    case 2:
      return { id: String(view.getUint32(1)), version: '1.0', code: view.getUint16(5), data: {} };
    default:
      throw new Error('no message begins with ' + view.getUint8(0));
  }
}

function protocolToRawData(json) {
  if (json.method === 'thing.service.property.set') {
    var view = new DataView(new ArrayBuffer(7));
    view.setUint8(0, 1);
    view.setUint32(1, Number(json.id));
    view.setUint16(5, json.params.report_interval);
    return Array.prototype.slice.call(new Uint8Array(view.buffer));
  }
  return [128, Number(json.id), json.code >> 8, json.code & 255];
}
