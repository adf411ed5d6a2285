// Serves the vendors' OpenAPI documents by Prism, each on a port of its own, all in this one process.
// usage: node prism.cjs FOLDER_OF_PRISM FOLDER_OF_DOCUMENTS
'use strict';

const path = require('node:path');
const { createRequire } = require('node:module');

const [installed, documents] = process.argv.slice(2);
const from = createRequire(path.resolve(installed, 'node_modules', 'x.js'));
const { createLogger } = from('@stoplight/prism-core');
const { getHttpOperationsFromSpec } = from('@stoplight/prism-http');
const { createServer } = from('@stoplight/prism-http-server');

// `errors`: an answer that breaks the document is an error too. Two documents' own examples break their schemas.
const beds = [
  { name: 'TWILIO_MESSAGES', file: 'twilio_messages_v2010.json', errors: true },
  { name: 'TWILIO_VERIFY', file: 'twilio_verify_v2.json', errors: true },
  { name: 'TWILIO_LOOKUP', file: 'twilio_lookups_v2.json', errors: false },
  { name: 'SENDGRID', file: 'sendgrid_mail_v3.json', errors: true },
  { name: 'VONAGE', file: 'vonage_sms.json', errors: false },
];

async function serve({ file, errors }) {
  const operations = await getHttpOperationsFromSpec(path.resolve(documents, file));
  const config = {
    isProxy: false,
    validateRequest: true,
    validateResponse: true,
    checkSecurity: true,
    errors,
    upstreamProxy: undefined,
    mock: { dynamic: false, ignoreExamples: false },
  };
  const components = { logger: createLogger('prism', { level: 'silent' }) };
  return createServer(operations, { cors: false, config, components }).listen(0, '127.0.0.1');
}

async function main() {
  for (const bed of beds) {
    console.log(`MULTAUTH_TEST_${bed.name}=${await serve(bed)}`);
  }
  console.log('ready');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
