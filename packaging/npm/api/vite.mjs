import secureIo from "./vite.cjs";

export default secureIo;
