/**
 * A process that holds units of a pool until it is killed: place, region and units are its
 * arguments.
 */

import { systemClock } from "@ovation/protocol";
import { openMappedPools, type PoolsPlace } from "../address-pools-mapped.ts";

const [place = "", region = "", units = ""] = process.argv.slice(2);
const pools = openMappedPools(JSON.parse(place) as PoolsPlace, Number(region), systemClock);
pools.shares("things", 100).add("10.0.0.1", Number(units));
process.send?.("ready");
setInterval(() => {}, 1000);
