export const TOKEN = 'a-token-for-the-bench';
