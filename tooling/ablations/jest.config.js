export { default } from '@multihead/jest-config';
