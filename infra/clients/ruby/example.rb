# Starts a machine, moves it, and counts with a key, through a server that may be killed at any time.
#
# TAI_STATE_TOKEN=... ruby example.rb ADDRESS STATE COUNT MOVES_A_SECOND

require_relative "client"

address, state, count, rate = ARGV
client = TaiState::Client.new(address, ENV.fetch("TAI_STATE_TOKEN"))
lamp = TaiState.path_of("governors", "lamps", "states", state)
switches = TaiState.path_of("keys", "switches", state)
client.call("POST", lamp, { "machine" => "lamp" }, key: "#{state}-start")
began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
count.to_i.times do |number|
  key = "#{state}-#{number}"
  moved = client.call("POST", "#{lamp}/transitions", { "action" => "switch" }, key: key)
  counted = client.call("POST", switches, { "op" => "increment" }, key: key)
  puts JSON.generate("key" => key, "version" => moved["version"], "count" => counted["value"])
  $stdout.flush
  sleep([0.0, began + ((number + 1) / rate.to_f) - Process.clock_gettime(Process::CLOCK_MONOTONIC)].max)
end
