import api from "./node.cjs";

export const { fixtures, serveFixture, SecureIoError } = api;
