// What the page needs of a thing model (TSL).

export function parseTsl(text) {
  let tsl = {};
  try {
    tsl = JSON.parse(text || '{}');
  } catch {
    // a product whose model cannot be read is shown without names and units
  }
  const properties = {};
  for (const one of tsl.properties ?? []) {
    const specs = one.dataType?.specs ?? {};
    const type = one.dataType?.type ?? 'text';
    properties[one.identifier] = {
      identifier: one.identifier,
      name: one.name || one.identifier,
      type,
      unit: specs.unit ?? '',
      unitName: specs.unitName ?? '',
      writable: (one.accessMode ?? 'r').includes('w'),
      min: specs.min,
      max: specs.max,
      step: specs.step,
      maxLength: specs.length,
      choices: type === 'enum' || type === 'bool' ? Object.entries(specs).map(([value, label]) => ({ value, label })) : null,
    };
  }
  return properties;
}

export const isNumeric = (property) => ['int', 'float', 'double', 'bool', 'enum'].includes(property?.type);

// The value as a person reads it: the name of a choice, not its number.
export function display(value, property) {
  if (value === undefined || value === null || value === '') return '—';
  const choice = property?.choices?.find((one) => one.value === String(value));
  if (choice) return choice.label;
  if (property && ['float', 'double'].includes(property.type)) {
    const number = Number(value);
    if (Number.isFinite(number)) return String(Math.round(number * 1000) / 1000);
  }
  return String(value);
}

// One value as JSON text of the property's type. Floats keep a decimal point: the protocol wants them to look like floats.
export function toJson(text, property) {
  if (property.type === 'text' || property.type === 'date') return JSON.stringify(String(text));
  if (property.type === 'float' || property.type === 'double') {
    const number = String(Number(text));
    return /^-?\d+$/.test(number) ? `${number}.0` : number;
  }
  if (['int', 'bool', 'enum'].includes(property.type)) return String(Math.trunc(Number(text)));
  return JSON.stringify(JSON.parse(text));
}
