import { testShare } from './campaign.ts';

testShare(0);
