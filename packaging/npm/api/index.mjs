import api from "./index.cjs";

export const { credentials, SecureIoError } = api;
