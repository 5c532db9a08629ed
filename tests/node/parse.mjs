// Parses standard input as YAML, and prints its documents as JSON.

import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const documents = parseAllDocuments(readFileSync(0, "utf8"));
const errors = documents.flatMap((document) => [...document.errors, ...document.warnings]);
if (errors.length > 0) throw errors[0];
console.log(JSON.stringify(documents.map((document) => document.toJS())));
